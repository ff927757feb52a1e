/** Mints ids that say what they name, and cannot be made up: kind, payload and a keyed hash of both. */
export type IdMinter = {
  mint(kind: IdKind, payload: string): Promise<string>;
  /** What an id names; undefined for one that was not minted with this secret. */
  read(id: string): Promise<{ readonly kind: IdKind; readonly payload: string } | undefined>;
};

export type IdKind = "ses" | "rct" | "resp" | "conv";

/** Hex digits of the keyed hash at the end of an id: 40 bits. */
const MAC_DIGITS = 10;
const SHAPE = /^(ses|rct|resp|conv)_([0-9a-f]{1,64})$/;

const encoder = new TextEncoder();

export async function createIdMinter(secret: string): Promise<IdMinter> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(`ids\n${secret}`),
    algorithm,
    false,
    ["sign"],
  );
  async function mac(text: string): Promise<string> {
    const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
    return [...bytes.subarray(0, MAC_DIGITS / 2)]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
  }
  return {
    mint: async (kind, payload) => `${kind}_${payload}${await mac(`${kind}_${payload}`)}`,
    async read(id) {
      const [, kind, rest = ""] = SHAPE.exec(id) ?? [];
      if (!isKind(kind)) return undefined;
      const payload = rest.slice(0, -MAC_DIGITS);
      const expected = await mac(`${kind}_${payload}`);
      return isSame(expected, rest.slice(-MAC_DIGITS)) ? { kind, payload } : undefined;
    },
  };
}

function isKind(kind: string | undefined): kind is IdKind {
  return kind === "ses" || kind === "rct" || kind === "resp" || kind === "conv";
}

/** Compares in a time that tells nothing of where two texts differ. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1)
    difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
