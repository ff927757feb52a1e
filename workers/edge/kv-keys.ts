/** Derives keys for stored KV cache: each tenant has others, and each of its states one of its own, in base64. */
export async function kvKeys(
  secret: string,
): Promise<(tenant: string, id: string) => Promise<string>> {
  const root = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, [
    "deriveBits",
  ]);
  return async (tenant, id) => {
    const params = {
      name: "HKDF",
      hash: "SHA-256",
      salt: encoder.encode(`kv\n${tenant}`),
      info: encoder.encode(id),
    };
    const bits = new Uint8Array(await crypto.subtle.deriveBits(params, root, KEY_BITS));
    return btoa(String.fromCharCode(...bits));
  };
}

const KEY_BITS = 256;
const encoder = new TextEncoder();
