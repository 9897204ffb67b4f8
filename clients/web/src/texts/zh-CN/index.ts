/** What every page may say. */
import aftersales from './aftersales';
import checkout from './checkout';
import common from './common';
import errors from './errors';
import lobby from './lobby';
import moderate from './moderate';
import orders from './orders';
import room from './room';
import signin from './signin';
import stage from './stage';
import wechat from './wechat';

export default {
  ...aftersales,
  ...checkout,
  ...common,
  ...errors,
  ...lobby,
  ...moderate,
  ...orders,
  ...room,
  ...signin,
  ...stage,
  ...wechat,
};
