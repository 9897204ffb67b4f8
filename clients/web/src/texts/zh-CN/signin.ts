import type en from '../en/signin';

export default {
  'signin.title': '登录',
  'signin.welcome': '欢迎回来',
  'signin.lead': '看直播、聊好物，好价不错过。',
  'signin.login': '用户名',
  'signin.password': '密码',
  'signin.submit': '登录',
  'signin.guest': '先逛逛？',
  'signin.guest_lead': '起个昵称就能发弹幕；购买需要登录账户。',
  'signin.nickname': '昵称',
  'signin.guest_submit': '以游客身份继续',
  'signin.demo': '选择角色体验',
  'signin.demo_lead': '演示环境：点一下即可登录。',
  'signin.demo_viewer': '看直播、发弹幕、抢好价',
  'signin.demo_viewer2': '第二位买家，一起抢最后一件',
  'signin.demo_host': '在开播台开播带货',
  'signin.demo_brand': '预约直播间的品牌时段',
  'signin.demo_operator': '照看所有直播间',
  'signin.viewer2': '另一位观众',
  'signin.already': '你已登录为 {name}。',
  'signin.continue': '继续',
} satisfies Record<keyof typeof en, string>;
