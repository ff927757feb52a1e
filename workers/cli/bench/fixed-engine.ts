import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

/**
 * An engine that answers the same few tokens to everything as soon as it has read the request, in a thread of its own:
 * what is slow is not the engine. It hands over to itself as vLLM's prefill leg does.
 */
export async function startFixedEngine(): Promise<{ url: string; stop(): Promise<unknown> }> {
  const worker = new Worker(new URL(import.meta.url));
  const port = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return { url: `http://127.0.0.1:${port}`, stop: () => worker.terminate() };
}

const WORDS = ["One", " answer", " of", " eight", " tokens", " for", " every", " request"];
const CHARS_PER_TOKEN = 4;

if (!isMainThread) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks)));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    parentPort?.postMessage((server.address() as AddressInfo).port);
  });
}

function answer(_request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  response.socket?.setNoDelay(true);
  const promptTokens = Math.ceil(body.byteLength / CHARS_PER_TOKEN);
  if (body.includes('"do_remote_decode":true')) {
    const usage = usageOf(promptTokens, 1);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ choices: [], usage, kv_transfer_params: HANDOFF }));
    return;
  }
  response.setHeader("content-type", "text/event-stream");
  response.write(frame([{ index: 0, delta: { role: "assistant", content: "" } }]));
  for (const content of WORDS) response.write(frame([{ index: 0, delta: { content } }]));
  response.write(frame([{ index: 0, delta: {}, finish_reason: "stop" }]));
  response.write(frame([], usageOf(promptTokens, WORDS.length)));
  response.end("data: [DONE]\n\n");
}

const HANDOFF = {
  do_remote_prefill: true,
  do_remote_decode: false,
  remote_engine_id: "fixed",
  remote_block_ids: [1, 2, 3],
  remote_host: "127.0.0.1",
  remote_port: 5600,
};

function frame(choices: readonly unknown[], usage?: unknown): string {
  const chunk = { id: "chatcmpl-fixed", object: "chat.completion.chunk", model: "fixed", choices };
  return `data: ${JSON.stringify(usage === undefined ? chunk : { ...chunk, usage })}\n\n`;
}

function usageOf(promptTokens: number, outputTokens: number) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: Math.floor(promptTokens / 2) },
  };
}
