import type { Line } from "./conversation.ts";

/** Lines of a stream of bytes, numbered from 1, without their line ends; empty ones left out. */
export async function* readLines(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  const pending: string[] = [];
  let number = 0;
  const close = (text: string): Line | undefined => {
    number += 1;
    const line = text.replace(/^\uFEFF|\r$/g, "");
    return line.trim() === "" ? undefined : { number, text: line };
  };
  for await (const chunk of chunks) {
    const parts = (
      typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })
    ).split("\n");
    for (const part of parts.slice(0, -1)) {
      const line = close([...pending.splice(0), part].join(""));
      if (line) yield line;
    }
    pending.push(parts.at(-1) ?? "");
  }
  const last = close([...pending, decoder.decode()].join(""));
  if (last) yield last;
}
