import { describe, expect, it } from "vitest";
import type { ChatMessage, Conversation, Turn } from "../../../src/traces/conversation.ts";
import { truncated } from "../../../src/traces/truncate.ts";

const CONTEXT = 8000;

describe("a truncated conversation", () => {
  const whole = conversationOf(40);
  const cut = truncated(whole, CONTEXT);

  it("has as many turns as fit, and no longer prompts", () => {
    expect(cut.turns.length).toBeGreaterThan(3);
    expect(cut.turns.length).toBeLessThan(40);
    const answers = cut.turns.map(({ maxTokens }) => "\ufffd".repeat(maxTokens));
    for (const turn of cut.turns) {
      const read = turn.messages(answers).reduce((sum, one) => sum + bytesOf(one), 0);
      expect(read + turn.maxTokens).toBeLessThanOrEqual(CONTEXT);
    }
    expect(cut.contextTokens).toBeLessThanOrEqual(CONTEXT);
  });

  it("begins every turn with what the one before was asked", () => {
    const [first, second] = cut.turns.map((turn) => turn.messages(["one", "two"]));
    expect(second?.slice(0, first?.length)).toEqual(first);
    expect(second?.[1]?.content).toBe("one");
  });

  it("is what it was where it fits", () => {
    const short = truncated(conversationOf(2), 1_000_000);
    expect(short.turns.map(({ messages }) => messages(["one"]))).toEqual(
      whole.turns.slice(0, 2).map(({ messages }) => messages(["one"])),
    );
  });
});

function conversationOf(turns: number): Conversation {
  const turn = (n: number): Turn => ({ maxTokens: 500, messages: (said) => messagesOf(n, said) });
  return { id: "c", turns: Array.from({ length: turns }, (_, n) => turn(n)), contextTokens: 1e6 };
}

function messagesOf(turn: number, answers: readonly string[]): ChatMessage[] {
  return Array.from({ length: turn + 1 }, (_, n): ChatMessage[] => [
    { role: "user", content: `${n}: ${"a long task ".repeat(200)}` },
    ...(n < turn ? [{ role: "assistant", content: answers[n] ?? "" } as const] : []),
  ]).flat();
}

function bytesOf({ content }: ChatMessage): number {
  return new TextEncoder().encode(content).length;
}
