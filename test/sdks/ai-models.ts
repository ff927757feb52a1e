import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { LanguageModel } from "ai";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { watchedFetch } from "../support/watched-fetch.ts";

/** The ways in which Vercel's AI SDK speaks to a mesh, by the provider that an app would choose. */
export const PROVIDERS = [
  "openai chat",
  "openai responses",
  "openai-compatible",
  "anthropic",
] as const;

/** A model of the mesh as that provider has it: only base URL and key are ours. Streams break whose events are out of order. */
export function aiModel(
  provider: (typeof PROVIDERS)[number],
  mesh: Pick<LocalMesh, "edges" | "key">,
  model: string,
  ask: typeof fetch = watchedFetch,
): Exclude<LanguageModel, string> {
  const settings = { baseURL: `${mesh.edges[0]?.url}/v1`, apiKey: mesh.key, fetch: ask };
  switch (provider) {
    case "openai chat":
      return createOpenAI(settings).chat(model);
    case "openai responses":
      return createOpenAI(settings).responses(model);
    case "openai-compatible":
      return createOpenAICompatible({
        ...settings,
        name: "phaseway",
        includeUsage: true,
        supportsStructuredOutputs: true,
      })(model);
    case "anthropic":
      return createAnthropic(settings)(model);
  }
}
