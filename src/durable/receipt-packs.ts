import type { Receipt } from "../core/receipt.ts";

/** Bytes of JSON in one row; the platform's limit is 2 MB for the whole row. */
export const maxRowBytes = 1_500_000;

/** Receipts as the rows they are written in, in the order they came, and those too big for any row. */
export function packRows(receipts: readonly Receipt[], maxBytes = maxRowBytes): Packed {
  const rows: PackRow[] = [];
  const refused: string[] = [];
  let texts: string[] = [];
  let members: Receipt[] = [];
  let bytes = 0;
  const close = (): void => {
    if (texts.length > 0) rows.push({ ids: idsOf(members), body: `[${texts.join(",")}]` });
    texts = [];
    members = [];
    bytes = 0;
  };
  for (const receipt of receipts) {
    const text = JSON.stringify(receipt);
    const size = encoder.encode(text).length + 1;
    if (size > maxBytes) {
      refused.push(receipt.id);
      continue;
    }
    if (bytes + size > maxBytes) close();
    texts.push(text);
    members.push(receipt);
    bytes += size;
  }
  close();
  return { rows, refused };
}

/** What `ids` of a row contains when the row has that receipt or a receipt of that session. */
export function idNeedle(id: string): string {
  return JSON.stringify(id);
}

/** The sessions that `ids` of a row tells of, without their branches. */
export function sessionsIn(ids: string): readonly string[] {
  const all = (JSON.parse(ids) as string[]).filter((id) => id.startsWith("ses_"));
  return [...new Set(all.map((id) => id.split(".", 1)[0] ?? id))];
}

export type PackRow = { readonly ids: string; readonly body: string };
export type Packed = { readonly rows: readonly PackRow[]; readonly refused: readonly string[] };

const encoder = new TextEncoder();

function idsOf(receipts: readonly Receipt[]): string {
  const ids = receipts.flatMap((receipt) => [receipt.id, receipt.session]);
  return JSON.stringify([...new Set(ids)]);
}
