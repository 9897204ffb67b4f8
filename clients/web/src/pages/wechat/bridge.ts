/** WeChat's own browser: pays without leaving the page. */

interface Bridge {
  invoke(
    name: string,
    values: Record<string, string>,
    done: (answer: { err_msg: string }) => void,
  ): void;
}

const READY = 'WeixinJSBridgeReady';

export type Outcome = 'ok' | 'cancel' | 'fail';

function bridge(): Bridge | undefined {
  return (window as { WeixinJSBridge?: Bridge }).WeixinJSBridge;
}

/** Opens the payment sheet; `ok` means that the order will hear of the money, not that it has. */
export async function payInside(values: Record<string, string>): Promise<Outcome> {
  if (!bridge()) {
    await new Promise((resolve) => document.addEventListener(READY, resolve, { once: true }));
  }
  return new Promise((resolve) => {
    bridge()?.invoke('getBrandWCPayRequest', values, ({ err_msg }) => {
      const outcome = err_msg.split(':')[1];
      resolve(outcome === 'ok' || outcome === 'cancel' ? outcome : 'fail');
    });
  });
}

export function isInsideWechat(): boolean {
  return /MicroMessenger/i.test(navigator.userAgent);
}
