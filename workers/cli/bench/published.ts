import { policyNamed } from "../../../src/replay/policy-table.ts";
import {
  CONFIGURED_OUTPUT_TOKENS,
  llmDStages,
  llmDWorkload,
  OBSERVED_OUTPUT_TOKENS,
} from "../../../src/replay/published/llm-d-73.ts";
import {
  type LlmDFigures,
  publishedSchedulers,
} from "../../../src/replay/published/llm-d-schedulers.ts";
import { runLlmD } from "../../../src/replay/published/run-llm-d.ts";

/** One scheduler on llm-d's published workload: as measured there, and as simulated with answers of some length. */
export type PublishedRow = {
  readonly policy: string;
  readonly outputTokens: number;
  readonly published: LlmDFigures | undefined;
  readonly simulated: LlmDFigures;
};

/** Replays llm-d's published workload under its schedulers, and under ours. */
export async function benchPublished(): Promise<PublishedRow[]> {
  const ours = { name: "phaseway", entry: policyNamed("phaseway"), published: undefined };
  const rows: PublishedRow[] = [];
  for (const outputTokens of [OBSERVED_OUTPUT_TOKENS, CONFIGURED_OUTPUT_TOKENS]) {
    const workload = await llmDWorkload(llmDStages, outputTokens);
    for (const { name, entry, published } of [...publishedSchedulers, ours]) {
      const simulated = runLlmD(workload, llmDStages, entry);
      rows.push({ policy: name, outputTokens, published, simulated });
    }
  }
  return rows;
}
