import type { Pool } from "../../src/core/fleet.ts";

/** Whether engines of a pool know `continue_final_message`; others pass over it. */
export function continuesIn({ dialect, continues }: Pool): boolean {
  return continues ?? KNOWING.test(dialect);
}

const KNOWING = /^(?:vllm-.*|llamacpp|llm-d|sglang)$/;
