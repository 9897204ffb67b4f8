import type en from '../en/lobby';

export default {
  'lobby.title': '正在直播',
  'lobby.lead': '进来坐坐，聊聊好物，抢个好价。',
  'lobby.live': '直播中',
  'lobby.upcoming': '即将开播',
  'lobby.ended': '往期直播',
  'lobby.watching': '{count} 人在看',
  'lobby.likes': '{count} 赞',
  'lobby.starts': '{time} 开播',
  'lobby.ended_at': '{time} 开播',
  'lobby.sale': '秒杀价',
  'lobby.pinned': '正在讲解',
  'lobby.enter': '进入直播间',
  'lobby.empty': '还没有直播',
  'lobby.empty_lead': '主播创建或开播后，会出现在这里。',
  'lobby.empty_host': '去开播台',
  'lobby.failed': '直播列表加载失败',
} satisfies Record<keyof typeof en, string>;
