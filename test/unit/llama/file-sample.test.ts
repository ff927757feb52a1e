import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { fileSample } from "../../../workers/llama/file-sample.ts";

it("tells apart files that differ in their weights or in length alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "phaseway-sample-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const bytes = Buffer.alloc(3_000_000, "weights");
  const one = await fileSample(write("one", bytes));
  expect(await fileSample(write("same", bytes))).toBe(one);
  expect(await fileSample(write("longer", Buffer.concat([bytes, Buffer.alloc(1)])))).not.toBe(one);
  const tuned = Buffer.concat([bytes.subarray(0, 9000), Buffer.alloc(2_991_000, "others")]);
  expect(await fileSample(write("tuned", tuned))).not.toBe(one);
  expect(await fileSample(write("tiny", Buffer.from("GGUF")))).not.toBe(one);
});
