import { importMs, MARGIN } from "./decide-export.ts";
import type { TierLink } from "./tiers.ts";

/** A model as it runs on a device. */
export type Runs = {
  /** Prefill of a prompt of so many tokens, none of them cached, ms. */
  readonly prefillMs: (tokens: number) => number;
  readonly kvBytesPerToken: number;
};

/**
 * The tokens of a conversation from which bringing its KV cache back beats computing it again, as exports are decided;
 * undefined where it never does within `maxTokens`.
 */
export function crossoverTokens(
  { prefillMs, kvBytesPerToken }: Runs,
  link: TierLink,
  maxTokens: number,
): number | undefined {
  const pays = (tokens: number) =>
    importMs(link, tokens * kvBytesPerToken) * MARGIN < prefillMs(tokens);
  if (maxTokens < 1 || !pays(maxTokens)) return undefined;
  // Bytes grow with the tokens and computing grows faster: once it pays it goes on paying.
  let [no, yes] = [0, maxTokens];
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2);
    if (pays(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}
