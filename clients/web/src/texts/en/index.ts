import aftersales from './aftersales';
import catalog from './catalog';
import checkout from './checkout';
import common from './common';
import console from './console';
import errors from './errors';
import lobby from './lobby';
import merchant from './merchant';
import moderate from './moderate';
import orders from './orders';
import room from './room';
import schedule from './schedule';
import signin from './signin';
import stage from './stage';
import studio from './studio';
import wechat from './wechat';

export default {
  ...aftersales,
  ...catalog,
  ...checkout,
  ...common,
  ...console,
  ...errors,
  ...lobby,
  ...merchant,
  ...moderate,
  ...orders,
  ...room,
  ...schedule,
  ...signin,
  ...stage,
  ...studio,
  ...wechat,
};
