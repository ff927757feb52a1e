import { Agent, request } from "node:http";
import { BENCH_KEY } from "./bench-mesh.ts";

/** One streamed answer, as its client saw it. */
export type Seen = {
  readonly ttftMs: number;
  readonly totalMs: number;
  readonly status: number;
  /** `together` or `disaggregated`, where a mesh answered. */
  readonly mode: string;
  readonly body: string;
};

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Sends a body and reads the stream; TTFT is from the first byte sent to the first content that came. */
export function ask(url: string, body: Buffer, session?: string): Promise<Seen> {
  const headers = {
    authorization: `Bearer ${BENCH_KEY}`,
    "content-type": "application/json",
    "content-length": body.byteLength,
    ...(session !== undefined && { "phaseway-session": session }),
  };
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      let ttftMs = NaN;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (Number.isNaN(ttftMs) && CONTENT.test(text)) ttftMs = performance.now() - startedAt;
      });
      response.on("error", reject);
      response.on("end", () => {
        const mode = /mode=([a-z]+)/.exec(String(response.headers["phaseway-route"] ?? ""))?.[1];
        const totalMs = performance.now() - startedAt;
        const status = response.statusCode ?? 0;
        if (status === 200 && text.endsWith("data: [DONE]\n\n")) {
          resolve({ ttftMs, totalMs, status, mode: mode ?? "", body: text });
        } else reject(new Error(`${url} answered ${status}: ${text.slice(-500)}`));
      });
    });
    sent.setNoDelay(true);
    sent.on("error", reject);
    sent.end(body);
  });
}

const CONTENT = /"delta":\{"content":"[^"]/;
