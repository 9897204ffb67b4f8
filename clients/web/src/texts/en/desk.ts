/** What the pages of those who sell, host and operate say besides. */
import catalog from './catalog';
import console from './console';
import everybody from './index';
import merchant from './merchant';
import schedule from './schedule';
import studio from './studio';

export default {
  ...everybody,
  ...catalog,
  ...console,
  ...merchant,
  ...schedule,
  ...studio,
};
