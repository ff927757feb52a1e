import { maxLinks } from "./state.ts";

const linkBytes = 8;

/** The first `maxLinks` links of a chain as base64, for a snapshot. */
export function encodeChain(chain: Uint8Array): string {
  const kept = Math.min(linksOf(chain), maxLinks) * linkBytes;
  let binary = "";
  for (let i = 0; i < kept; i += 1) binary += String.fromCharCode(chain[i] ?? 0);
  return btoa(binary);
}

/** The bytes of a chain kept in a snapshot; an unreadable one is an empty one. */
export function decodeChain(encoded: string): Uint8Array {
  try {
    return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}

/** Whole links in a chain. */
export function linksOf(chain: Uint8Array): number {
  return Math.floor(chain.length / linkBytes);
}

/** Links two chains have in common, counted from the root. */
export function commonLinks(one: Uint8Array, other: Uint8Array): number {
  const end = Math.min(one.length, other.length);
  let at = 0;
  while (at < end && one[at] === other[at]) at += 1;
  return Math.floor(at / linkBytes);
}
