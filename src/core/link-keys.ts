/** Keys of a chain, 8 bytes a link, of which a number holds 53 bits. They stand for nothing but themselves. */
export function linkKeys(chain: Uint8Array): Float64Array {
  if (last?.chain !== chain) last = { chain, keys: keysOf(chain) };
  return last.keys;
}

/** One plan asks for the keys of one chain pool after pool. */
let last: { readonly chain: Uint8Array; readonly keys: Float64Array } | undefined;

function keysOf(chain: Uint8Array): Float64Array {
  const { buffer, byteOffset, byteLength } = chain;
  const view = new DataView(buffer, byteOffset, byteLength);
  const keys = new Float64Array(byteLength >> 3);
  for (let at = 0; at < keys.length; at++) {
    const low = view.getUint32(at * 8, true);
    keys[at] = view.getUint32(at * 8 + 4, true) * 2 ** 21 + ((low ^ (low >>> 11)) & 0x1fffff);
  }
  return keys;
}
