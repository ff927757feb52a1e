import { beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { ask, receiptOf } from "../support/ask.ts";
import { DECODES, PREFILLS, useLlamaFleet } from "./llama-mesh.ts";

/** 4 KB of KV cache a token: conversations of over 2,000 tokens do not fit the rows of their session. */
const started = useLlamaFleet({
  model: { layers: 8, kvHeads: 4 },
  pools: { kvExport: "always" },
});

const OUTPUT = 24;
const FITS_ROWS = 2000;
/** Prompt tokens, about: what the template adds is little, and a character is a token. */
const LENGTHS = [
  10, 15, 17, 33, 64, 100, 127, 200, 255, 300, 400, 511, 513, 700, 900, 1200, 1500, 1900, 2500,
  2900,
];
const FIRST_TURNS_MS = 300_000;

describe("a conversation whose llama.cpp engines were all killed since", () => {
  const firsts = new Map<number, Turn>();

  beforeAll(async () => {
    for (const length of LENGTHS) firsts.set(length, await say(length, [user(textOf(length))]));
    for (const name of [...PREFILLS, ...DECODES]) await started.fleet.kill(name);
  }, FIRST_TURNS_MS);

  it.each(LENGTHS)(
    "goes on as with a single one, and no token of it is computed again: %i tokens",
    async (length) => {
      const first = firsts.get(length);
      if (first === undefined) throw new Error("it has not begun");
      const { exported, promptTokens } = first.receipt;
      const tier = length < FITS_ROWS ? "edge" : "object";
      expect(exported).toMatchObject({ tier, tokens: promptTokens + OUTPUT - 1 });
      expect(exported).not.toHaveProperty("failed");
      const said = { role: "assistant", content: first.text };
      const messages = [...first.messages, said, user("And then?")];
      const second = await say(length, messages);
      const alone = await started.fleet.alone({ messages, max_tokens: OUTPUT, temperature: 0 });
      expect(second.text).toBe(alone.text);
      const [leg] = second.receipt.work;
      expect(leg?.imported).toMatchObject({ tier, bytes: exported?.bytes });
      expect(leg?.imported).not.toHaveProperty("failed");
      // By the engine's own count: all but the last token, which was said and never computed.
      expect(leg?.cachedTokens).toBe(promptTokens + OUTPUT - 1);
    },
  );
});

type Turn = {
  readonly messages: readonly Message[];
  readonly text: string;
  readonly receipt: Receipt;
};

type Message = { readonly role: string; readonly content: string };

async function say(length: number, messages: readonly Message[]): Promise<Turn> {
  const { mesh } = started.fleet;
  const more = { temperature: 0 };
  const seen = await ask(mesh, { messages, maxTokens: OUTPUT, session: `kv-${length}`, more });
  if (!seen.done) throw new Error(`${seen.status}: ${seen.error ?? seen.text}`);
  return { messages, text: seen.text, receipt: await receiptOf(mesh, seen) };
}

function user(content: string): Message {
  return { role: "user", content };
}

/** Text of so many characters that no other length begins with. */
function textOf(length: number): string {
  const word = (n: number) => `${((n + 1) * (length + 7)) % 9973} `;
  return Array.from({ length }, (_, n) => word(n))
    .join("")
    .slice(0, length);
}
