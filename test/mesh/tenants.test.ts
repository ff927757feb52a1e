import { describe, expect, it } from "vitest";
import { ask, words } from "../support/ask.ts";
import { useMesh } from "../support/local-mesh.ts";

const RIVAL = "sk-of-a-rival";

describe("two tenants that send the same prompt", () => {
  const started = useMesh({ timeFactor: 0.02, keys: [{ tenant: "rival", key: RIVAL }] });

  it.each([2000, 12_000])(
    "do not find each other's cache, only their own: %i words",
    async (count) => {
      const { mesh } = started;
      const messages = [{ role: "user", content: words(`shared${count}w`, count) }];
      const cachedFor = async (key: string) => {
        const headers = { authorization: `Bearer ${key}` };
        const seen = await ask(mesh, { messages, maxTokens: 4, stream: false, headers });
        expect(seen.status).toBe(200);
        const { usage } = JSON.parse(seen.text) as {
          usage: { prompt_tokens_details?: { cached_tokens?: number } };
        };
        return usage.prompt_tokens_details?.cached_tokens ?? 0;
      };
      expect(await cachedFor(mesh.key)).toBe(0);
      for (let turn = 0; turn < 4; turn += 1)
        expect(await cachedFor(mesh.key)).toBeGreaterThan(1000);
      expect(await cachedFor(RIVAL), "the first time").toBe(0);
      expect(await cachedFor(RIVAL)).toBeGreaterThan(1000);
    },
  );
});
