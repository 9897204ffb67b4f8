import { describe, expect, it } from 'vitest';
import { readTerms } from './terms';

const back = encodeURIComponent('https://shop.test/orders/00abc');

describe('the terms in the address', () => {
  it('are a code outside WeChat', () => {
    const code = encodeURIComponent('weixin://wxpay/bizpayurl?pr=abc');
    expect(readTerms(`#code_url=${code}&back=${back}`)).toEqual({
      order: '00abc',
      code: 'weixin://wxpay/bizpayurl?pr=abc',
      bridge: null,
    });
  });

  it('are signed values inside WeChat', () => {
    const values =
      'appId=wx1&timeStamp=1&nonceStr=n&package=prepay_id%3Dwx2&signType=RSA&paySign=s%3D';
    expect(readTerms(`#${values}&back=${back}`).bridge).toMatchObject({
      package: 'prepay_id=wx2',
      paySign: 's=',
    });
  });

  it('lead nowhere else: only an order of this site and only a WeChat code are taken', () => {
    const terms = readTerms(
      `#code_url=${encodeURIComponent('https://evil.test')}&back=https://evil.test/`,
    );
    expect(terms).toEqual({ order: '', code: '', bridge: null });
  });

  it('are missing where only some of the signed values came', () => {
    expect(readTerms(`#appId=wx1&paySign=s&back=${back}`).bridge).toBeNull();
  });
});
