import type { EngineRequest, EngineSide } from "../dialect.ts";
import type { Answered, ToPrefill } from "./messages.ts";

/** Has another engine complete something for a request; undefined where that broke. It is left when the caller leaves. */
export async function askElsewhere(
  asked: { readonly engine: string; readonly requestId: string | null; readonly body: string },
  { api, signal }: Pick<EngineRequest, "api" | "signal">,
  { meet, later }: Pick<EngineSide, "meet" | "later">,
): Promise<Answered | undefined> {
  const { engine, ...order } = asked;
  const id = crypto.randomUUID();
  const tell = (message: ToPrefill): Promise<unknown> => meet(engine, message);
  const leave = (): void => later(tell({ kind: "leave", id }));
  signal.addEventListener("abort", leave, { once: true });
  const answer = await tell({ kind: "complete", id, api, ...order }).catch(() => undefined);
  signal.removeEventListener("abort", leave);
  // An engine of this dialect answers with nothing but this.
  return answer as Answered | undefined;
}
