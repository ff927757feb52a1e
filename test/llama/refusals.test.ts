import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DrivenEngine, driveEngine } from "./drive-engine.ts";

let engine: DrivenEngine;
beforeAll(async () => {
  engine = await driveEngine({ context: 256, sequences: 1 });
});
afterAll(() => engine.stop());

describe("a request that cannot be answered", () => {
  it("is told how long its prompt is and how long it may be", async () => {
    const { status, error } = await engine.post("/v1/completions", { prompt: "x".repeat(300) });
    expect(status).toBe(400);
    expect(error?.code).toBe("context_length_exceeded");
    expect(error?.message).toMatch(/301 tokens long; this engine takes at most 255/);
  });

  it.each([
    ["tools", { messages: [{ role: "user", content: "x" }], tools: [{ type: "function" }] }],
    ["temperature", { messages: [{ role: "user", content: "x" }], temperature: 9 }],
    ["messages", { messages: [] }],
    ["stop", { messages: [{ role: "user", content: "x" }], stop: [""] }],
  ])("is told that %s is wrong", async (param, body) => {
    const { status, error } = await engine.post("/v1/chat/completions", body);
    expect([status, error?.param]).toEqual([400, param]);
  });

  it("is told which model runs here", async () => {
    const { status, error } = await engine.post("/v1/completions", { prompt: "x", model: "other" });
    expect([status, error?.code]).toEqual([404, "model_not_found"]);
    expect(error?.message).toContain("tiny-1");
  });

  it("is told that its body is no JSON", async () => {
    const response = await fetch(`${engine.origin}/v1/completions`, { method: "POST", body: "{" });
    expect(response.status).toBe(400);
  });
});

describe("a request line that makes no sense", () => {
  it.each(["GET // HTTP/1.1", "TRACE / HTTP/1.1"])("is refused: %s", async (line) => {
    const socket = connect(Number(new URL(engine.origin).port), "127.0.0.1");
    socket.write(`${line}\r\nhost: a\r\nconnection: close\r\n\r\n`);
    const [said] = (await once(socket, "data")) as [Buffer];
    expect(said.toString()).toMatch(/^HTTP\/1.1 400 /);
    socket.destroy();
  });
});

describe("a full context", () => {
  it("ends the answer for its length and holds no more than it can", async () => {
    const { choices, usage } = await engine.post("/v1/completions", {
      prompt: "y".repeat(199),
      max_tokens: 500,
      temperature: 0,
    });
    expect(choices?.[0]?.finish_reason).toBe("length");
    expect(usage).toMatchObject({ prompt_tokens: 200, completion_tokens: 56 });
  });
});

describe("a model file that is none", () => {
  it("is named, with what is wrong", async () => {
    const folder = mkdtempSync(join(tmpdir(), "phaseway-bad-"));
    const model = join(folder, "bad.gguf");
    writeFileSync(model, "not a model at all, but long enough to be read as the head of one");
    await expect(driveEngine({ model })).rejects.toThrow(/bad\.gguf cannot be loaded as a GGUF/);
    await expect(driveEngine({ model: `${model}.none` })).rejects.toThrow(/none cannot be read/);
    rmSync(folder, { recursive: true });
  });
});
