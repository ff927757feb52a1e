import { bothPhases } from "../both-phases.ts";
import { continuesPlainText } from "../continues.ts";
import type { Dialect, EngineAddress, LegContext } from "../dialect.ts";
import { splitsPlainRequests } from "../splits.ts";
import { schedulingHeaders } from "./scheduling-headers.ts";

/**
 * llm-d: a gateway that chooses its engines itself, or decode pods whose sidecar runs a prefill leg first on the engine
 * that a header names.
 */
export const llmD: Dialect = {
  name: "llm-d",
  handsOff: true,
  takesCacheSalt: true,
  continues: true,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "sidecar",
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    pullsPrefix: "none",
    firstTokenFrom: "decode",
    // The sidecar puts the prefill engine's figure in place of the decode engine's.
    cachedFrom: { together: true, disaggregated: "decode" },
  },
  canContinue: continuesPlainText,
  splits: splitsPlainRequests,
  write: (leg) => ({
    edits: { set: bothPhases(leg).set, remove: BETWEEN_ENGINES },
    headers: {
      "x-request-id": leg.requestId,
      ...schedulingHeaders(leg),
      ...prefillerHeader(leg),
      ...encodersHeader(leg),
    },
  }),
  readPrefill: () => ({ handoff: undefined, usage: undefined }),
  // A sidecar whose prefill leg failed may have decode compute the prompt, and does not tell.
  tookHandoff: () => undefined,
  encodes: {
    types: new Set(["image_url", "input_image", "audio_url", "input_audio", "video_url"]),
    blames: (error) => /encoder (?:request|response) /.test(error),
  },
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-first-token" },
};

/** Members by which engines fetch from one another: clients name no engines. */
const BETWEEN_ENGINES = [
  "kv_transfer_params",
  "bootstrap_host",
  "bootstrap_port",
  "bootstrap_room",
];

function prefillerHeader({ leg, split }: LegContext): Record<string, string> {
  if (split === undefined || leg !== "decode") return {};
  return { "x-prefiller-host-port": hostPort(split.prefill) };
}

/** The sidecar gives the nth piece of media to the nth of the list. */
function encodersHeader({ leg, encoders = [] }: LegContext): Record<string, string> {
  if (encoders.length === 0 || leg === "prefill") return {};
  return { "x-encoder-hosts-ports": encoders.map(hostPort).join(",") };
}

/** Where the sidecar finds another engine, which is not always where we do. */
function hostPort({ url, bootstrapHost, bootstrapPort }: EngineAddress): string {
  const { protocol, hostname, port } = new URL(url);
  const host = bootstrapHost ?? hostname;
  const isBareIpv6 = host.includes(":") && !host.startsWith("[");
  const usual = protocol === "https:" ? "443" : "80";
  return `${isBareIpv6 ? `[${host}]` : host}:${bootstrapPort ?? (port || usual)}`;
}
