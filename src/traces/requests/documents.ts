import type { Line } from "../conversation.ts";

/**
 * Groups the lines of a file of JSON objects into documents: one per line, or indented over several lines. A line
 * that opens an object at its very beginning begins a document, so that a broken one spoils no other.
 */
export async function* readDocuments(lines: AsyncIterable<Line>): AsyncGenerator<Line> {
  let number = 0;
  let parts: string[] = [];
  for await (const line of lines) {
    if (parts.length > 0 && line.text.startsWith("{")) {
      yield { number, text: parts.join("\n") };
      parts = [];
    }
    if (parts.length === 0) number = line.number;
    parts.push(line.text);
  }
  if (parts.length > 0) yield { number, text: parts.join("\n") };
}
