/** What the server hands to this page in the address, behind `#`, out of sight of servers and logs. */
export interface Terms {
  /** The order that is paid; empty if the address is broken. */
  order: string;
  /** Outside WeChat: what the QR code says. */
  code: string;
  /** Inside WeChat: what its bridge is called with. */
  bridge: Record<string, string> | null;
}

const BRIDGE = ['appId', 'timeStamp', 'nonceStr', 'package', 'signType', 'paySign'] as const;

export function readTerms(hash: string): Terms {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const bridge = Object.fromEntries(BRIDGE.map((name) => [name, given.get(name) ?? '']));
  const code = given.get('code_url') ?? '';
  return {
    order: /\/orders\/([0-9A-Za-z_-]+)$/.exec(given.get('back') ?? '')?.[1] ?? '',
    code: code.startsWith('weixin://') ? code : '',
    bridge: BRIDGE.every((name) => bridge[name]) ? bridge : null,
  };
}
