import common from './common';
import errors from './errors';
import lobby from './lobby';
import signin from './signin';

export default { ...common, ...errors, ...lobby, ...signin };
