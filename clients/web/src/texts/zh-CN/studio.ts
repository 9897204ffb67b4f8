import type en from '../en/studio';

export default {
  'studio.title': '开播台',
  'studio.lead': '选择一场直播，开始准备或开播。',
  'studio.failed': '无法加载你的直播',
} satisfies Record<keyof typeof en, string>;
