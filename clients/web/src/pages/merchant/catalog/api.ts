/** A shop's catalogue: the API of its merchants. */
import { ApiError, call, get, post, refusal } from '../../../api';
import type { LocalText } from '../../../texts/index.svelte';

export interface Variant {
  sku: string;
  title: LocalText;
  price_minor: number;
  /** Units that are lent to no sale. */
  on_hand: number;
  /** Units that are out on sale. */
  lent: number;
}

export interface Listing {
  product: string;
  shop: string;
  title: LocalText;
  image: string;
  category: string;
  currency: string;
  created_ms: number;
  /** Since when it is put away: on no shelf, and in no new sale. */
  archived_ms: number | null;
  skus: Variant[];
}

export interface VariantWish {
  /** Its id, or the shop's own code. */
  sku: string;
  price_minor: number;
  title: LocalText;
}

/** Variants that it leaves out stay as they are. */
export interface Description {
  title: LocalText;
  category: string;
  image: string;
  skus: VariantWish[];
}

export interface NewProduct extends Omit<Description, 'skus'> {
  /** The shop's own code. */
  product: string;
  currency: string;
  skus: (VariantWish & { on_hand: number })[];
}

/** What somebody did to a product or its stock. */
export type Deed = { at_ms: number; actor: string; actor_name: string } & (
  | { action: 'product.create'; before: null; after: Description }
  | { action: 'product.change'; before: Description; after: Description }
  | { action: 'product.archive' | 'product.restore'; before: unknown; after: unknown }
  | { action: 'stock.set' | 'stock.adjust'; before: Counted; after: Counted & { reason: string } }
);

export interface Counted {
  sku: string;
  on_hand: number;
}

/** What a file changes, or has changed. */
export interface Imported {
  created: number;
  changed: number;
  unchanged: number;
  stock_set: number;
}

export interface ImportChoice {
  /** Only say what would change. */
  dryRun: boolean;
  /** Set the stock of known variants, too. */
  setStock: boolean;
}

const id = encodeURIComponent;
const every = (shop: string): string => `/api/shops/${id(shop)}/products`;
const one = ({ shop, product }: Listing): string => `${every(shop)}/${id(product)}`;
const PAGE = 200;

export const catalog = {
  page: (shop: string, archived: boolean, after: string) =>
    get<{ products: Listing[]; next: string | null }>(
      `${every(shop)}?archived=${archived}&limit=${PAGE}&after=${id(after)}`,
    ),
  create: (shop: string, product: NewProduct) => post<Listing>(every(shop), product),
  change: (product: Listing, next: Description) => call<Listing>('PUT', one(product), next),
  archive: (product: Listing) => post<Listing>(`${one(product)}/archive`),
  restore: (product: Listing) => post<Listing>(`${one(product)}/restore`),
  history: (product: Listing) =>
    get<{ history: Deed[] }>(`${one(product)}/history`).then((answer) => answer.history),
  /** Refused where it is not `expected` any more, so that two who count do not overwrite each other. */
  setStock: (product: Listing, sku: string, onHand: number, expected: number, reason: string) =>
    call<Listing>('PUT', `${one(product)}/skus/${id(sku)}/stock`, {
      on_hand: onHand,
      expected,
      reason,
    }),
};

/** Sends a catalogue file and tells how much of it has left; the server takes all of it or nothing. */
export function sendFile(
  shop: string,
  file: File,
  { dryRun, setStock }: ImportChoice,
  onprogress: (share: number) => void,
): Promise<Imported> {
  const kind = isJson(file) ? 'json' : 'csv';
  const request = new XMLHttpRequest();
  request.open('POST', `${every(shop)}.${kind}?dry_run=${dryRun}&set_stock=${setStock}`);
  request.setRequestHeader('content-type', kind === 'json' ? 'application/json' : 'text/csv');
  request.responseType = 'json';
  request.upload.onprogress = ({ loaded, total }) => onprogress(total ? loaded / total : 1);
  return new Promise((resolve, reject) => {
    request.onload = () => {
      if (request.status === 200) resolve(request.response as Imported);
      else reject(refusal(request.status, request.response));
    };
    request.onerror = () => reject(new ApiError(0, 'offline', {}, true));
    request.send(file);
  });
}

function isJson(file: File): boolean {
  return file.type === 'application/json' || file.name.toLowerCase().endsWith('.json');
}
