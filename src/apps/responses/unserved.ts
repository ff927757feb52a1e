import { apiError, type ApiError } from "../errors.ts";
import type { ResponsesBody } from "./schema.ts";

/** The first thing that a request asks for and that no engine of any mesh can do, as the error that names it. */
export function unserved(body: ResponsesBody): ApiError | undefined {
  const [param, why] = membersOf(body) ?? toolsOf(body) ?? inputOf(body) ?? [];
  return param === undefined
    ? undefined
    : apiError("unsupported_parameter", `\`${param}\` cannot be served: ${why}.`, param);
}

type Why = readonly [param: string, why: string];

function membersOf(body: ResponsesBody): Why | undefined {
  if (body.background === true) {
    return ["background", "an answer lives as long as its connection; leave it out"];
  }
  if (isAsked(body.conversation) && isAsked(body.previous_response_id)) {
    return ["previous_response_id", "what is in a conversation goes on from all of it"];
  }
  if (isAsked(body.prompt)) return ["prompt", "no prompt templates are kept here; send the input"];
  if (body.truncation === "auto") {
    return ["truncation", "nothing is left out of an input that is too long; use `disabled`"];
  }
  if (isAsked(body.context_management)) {
    return ["context_management", "nothing is taken out of a conversation here"];
  }
  if (body.generate === false) return ["generate", "nothing is made ready before it is asked for"];
  return (body.n ?? 1) > 1 ? ["n", "a response is one answer"] : undefined;
}

function toolsOf({ tools, tool_choice: choice, text }: ResponsesBody): Why | undefined {
  const other = (tools ?? []).findIndex(({ type }) => type !== "function");
  if (other >= 0) {
    const type = tools?.[other]?.type;
    return [`tools.${other}`, `\`${type}\` is no function of the caller's, and is not run here`];
  }
  if (typeof choice === "object" && choice !== null && choice.type !== "function") {
    return ["tool_choice", `\`${choice.type}\` is not known to engines`];
  }
  const format = text?.format?.type ?? "text";
  return FORMATS.has(format) ? undefined : ["text.format", `\`${format}\` is not known to engines`];
}

/** Of `text.format`. */
const FORMATS: ReadonlySet<string> = new Set(["text", "json_object", "json_schema"]);

function inputOf({ input }: ResponsesBody): Why | undefined {
  const sealed = (input ?? []).findIndex(
    (item) =>
      item.type === "reasoning" &&
      item.encrypted_content != null &&
      [...(item.content ?? []), ...(item.summary ?? [])].length === 0,
  );
  return sealed < 0
    ? undefined
    : [
        `input.${sealed}.encrypted_content`,
        "who encrypted this reasoning can read it; send its text",
      ];
}

function isAsked(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}
