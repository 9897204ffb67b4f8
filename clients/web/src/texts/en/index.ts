import common from './common';
import errors from './errors';
import lobby from './lobby';
import room from './room';
import schedule from './schedule';
import signin from './signin';

export default { ...common, ...errors, ...lobby, ...room, ...schedule, ...signin };
