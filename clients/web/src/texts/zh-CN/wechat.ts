import type en from '../en/wechat';

export default {
  'wechat.title': '微信支付',
  'wechat.code': '微信支付二维码',
  'wechat.scan': '打开微信“扫一扫”，扫描二维码完成支付。',
  'wechat.pay': '微信支付',
  'wechat.inside_only': '此支付方式仅可在微信内使用。',
  'wechat.checking': '正在等待微信确认支付…',
  'wechat.cancel': '你还没有完成支付。',
  'wechat.fail': '微信未能完成支付，请重试。',
  'wechat.paid': '支付成功，正在返回…',
  'wechat.over': '该订单已无法支付。',
  'wechat.back': '返回订单',
  'wechat.broken': '支付链接不完整',
  'wechat.broken_lead': '请打开订单重新发起支付。',
} satisfies Record<keyof typeof en, string>;
