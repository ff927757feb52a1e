import { describe, expect, it } from "vitest";
import { Talk } from "../support/talk.ts";
import { DECODES, PREFILLS, useLlamaFleet } from "./llama-mesh.ts";

/** 4 KB of KV cache a token: conversations of over 2,000 tokens do not fit the rows of their session. */
const started = useLlamaFleet({
  model: { layers: 8, kvHeads: 4 },
  pools: { kvExport: "always" },
});

const OUTPUT = 24;

describe("a conversation whose llama.cpp engines are all killed between two turns", () => {
  it.each([
    ["edge", 40],
    ["edge", 200],
    ["object", 480],
  ] as const)(
    "goes on from tier `%s` without computing a token of it again: %i words",
    async (tier, count) => {
      const { fleet } = started;
      const session = `kv-${tier}-${count}`;
      const more = { temperature: 0 };
      const talk = new Talk(fleet.mesh, { model: "large", maxTokens: OUTPUT, session, more });
      const first = await talk.say("w", count, "whole");
      const { exported, promptTokens } = first.receipt;
      expect(exported).toMatchObject({ tier, reasons: expect.any(Array) });
      expect(exported).not.toHaveProperty("failed");
      for (const name of [...PREFILLS, ...DECODES]) await fleet.kill(name);
      const second = await talk.say("x", 6, "whole");
      const messages = talk.messages.slice(0, -1);
      const alone = await fleet.alone({ messages, max_tokens: OUTPUT, temperature: 0 });
      expect(second.text).toBe(alone.text);
      expect(second.receipt.status).toBe("completed");
      const [leg] = second.receipt.work;
      expect(leg?.imported).toMatchObject({ tier, bytes: exported?.bytes });
      expect(leg?.imported).not.toHaveProperty("failed");
      // By the engine's own count: all of the first turn but its last token, which nobody has computed yet.
      expect(leg?.cachedTokens).toBe(promptTokens + OUTPUT - 1);
    },
  );
});
