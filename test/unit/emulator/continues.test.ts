import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";
import { chat, whole } from "./vllm-fixtures.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const OPEN = { continue_final_message: true, add_generation_prompt: false };

/** What an engine of that dialect says after the first three words of its own answer. */
async function goesOn(
  dialect: string,
  members: object,
  more: Readonly<Record<string, unknown>> = {},
) {
  const fleet = new EmulatedFleet({ u: { dialect, roles: ["prefill", "decode"], more } });
  const { body } = await whole(fleet.ask("u/0", chat()));
  const said = body.choices[0]?.message.content ?? "";
  const asked = chat();
  const begun = { role: "assistant", content: said.slice(0, 12) };
  const messages = [...(asked["messages"] as object[]), begun];
  const answer = await whole(fleet.ask("u/0", { ...asked, ...members, messages, max_tokens: 5 }));
  return {
    rest: said.slice(12),
    status: answer.status,
    text: answer.body.choices?.[0]?.message.content,
  };
}

describe("`continue_final_message`", () => {
  it.each(["vllm-nixl", "vllm-shared-storage", "sglang", "llm-d", "llamacpp"])(
    "is known to %s",
    async (dialect) => {
      const { rest, text } = await goesOn(dialect, OPEN);
      expect(text).toBe(rest);
    },
  );

  it("is known to engines of another dialect whose pool says so", async () => {
    const { rest, text } = await goesOn("openai", OPEN, { continues: true });
    expect(text).toBe(rest);
  });

  it.each(["openai", "vllm-nixl"])(
    "is passed over by %s where it is not known",
    async (dialect) => {
      const { rest, text } = await goesOn(dialect, OPEN, { continues: false });
      expect(text).toHaveLength(rest.length);
      expect(text).not.toBe(rest);
    },
  );

  it("gives another text where the last message was closed", async () => {
    const { rest, text } = await goesOn("vllm-nixl", { add_generation_prompt: false });
    expect(text).not.toBe(rest);
  });

  it("is refused together with a new beginning", async () => {
    expect(await goesOn("vllm-nixl", { continue_final_message: true })).toMatchObject({
      status: 400,
    });
  });
});
