import type { EngineRequest, EngineSide } from "../dialect.ts";

/** How a gateway that chooses its engines itself refuses a request; undefined when it lets it through. */
export function refusedBy(
  { headers }: EngineRequest,
  { settings }: Pick<EngineSide, "settings">,
): Response | undefined {
  const told = (name: string, former: string): string | null =>
    headers.get(`x-llm-d-${name}`) ?? headers.get(`${former}${name}`);
  for (const name of ["slo-ttft-ms", "slo-tpot-ms"]) {
    const value = told(name, "x-");
    if (value !== null && !isPositive(value)) {
      return failed(400, "BadRequest", `${name} must be a number`);
    }
  }
  const objective = told("inference-objective", "x-gateway-");
  if (objective !== null && !NAME.test(objective)) {
    return failed(400, "BadRequest", "the objective is no name");
  }
  const { sheds } = settings();
  // Of the mesh's objectives it is the one with a priority below zero.
  const isSheddable = objective === "batch";
  if (sheds !== "all" && !(sheds === "sheddable" && isSheddable)) return undefined;
  const dropped = "system saturated, sheddable request dropped";
  return failed(429, "ResourceExhausted", dropped, {
    "x-llm-d-request-dropped-reason": "rejected-saturated",
  });
}

/** Of an object in Kubernetes. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

function isPositive(value: string): boolean {
  return value.trim() !== "" && Number(value) > 0 && Number.isFinite(Number(value));
}

function failed(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`inference error: ${code} - ${message}`, { status, headers });
}
