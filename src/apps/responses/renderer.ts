import type { AnswerFacts, AnswerRenderer } from "../app-api.ts";
import { itemId } from "../../core/stored-response.ts";
import { type Completion, onlyChoice, readCompletion, type Said } from "../completion.ts";
import type { ApiError } from "../errors.ts";
import { Events } from "./events.ts";
import type { Item } from "./items.ts";
import { Output } from "./output.ts";
import { storedResponse } from "./recall.ts";
import { responseOf, type ResponseState } from "./response.ts";
import type { ResponsesBody } from "./schema.ts";
import { type ResponseUsage, responseUsage } from "./usage.ts";

/** One answer as a response, whole or as events. */
export function responseRenderer(
  body: ResponsesBody,
  own: readonly Item[],
  facts: AnswerFacts,
): AnswerRenderer {
  const id = facts.stored?.id ?? `resp_${facts.requestId.replace(/^req_|-/g, "")}`;
  const isStored = facts.stored !== undefined;
  const events = new Events();
  const output = new Output(events, (prefix, index) => itemId(prefix, id, index));
  let usage: ResponseUsage | null = null;
  let finish: string | undefined;
  let isBegun = false;

  const response = (state: Pick<ResponseState, "status" | "error" | "incomplete">) =>
    responseOf(id, body, facts, { output: output.items, usage, isStored, ...state });
  const begin = () => {
    if (isBegun) return "";
    isBegun = true;
    const begun = response({ status: "in_progress" });
    return ["response.created", "response.in_progress"]
      .map((type) => events.write(type, { response: begun }))
      .join("");
  };
  const take = (completion: Completion) => {
    const choice = onlyChoice(completion);
    usage = responseUsage(completion.usage) ?? usage;
    finish = choice?.finish_reason ?? finish;
    const said = choice?.delta ?? choice?.message;
    return said ? told(output, said, choice?.logprobs?.content ?? []) : "";
  };
  /** What closes it, and the response itself once it is stored: where it could not be, it says so. */
  const ended = async () => {
    if (GIVEN_UP.has(finish ?? "")) throw new SyntaxError(`the engine ended with ${finish}`);
    const incomplete = CUT_SHORT[finish ?? ""];
    const rest = output.end(incomplete === undefined);
    const status = incomplete === undefined ? ("completed" as const) : ("incomplete" as const);
    const final = response({ status, incomplete });
    const store = (await facts.stored?.keep(storedResponse(own, final))) ?? false;
    return { rest, final: { ...final, store } };
  };

  return {
    async whole(completion) {
      take(readCompletion(completion));
      return JSON.stringify((await ended()).final);
    },
    frame(data) {
      const read = readCompletion(data);
      return begin() + take(read);
    },
    keepAlive: () => `${begin()}: keep-alive\n\n`,
    async end() {
      const begun = begin();
      const { rest, final } = await ended();
      return begun + rest + events.write(`response.${final.status}`, { response: final });
    },
    error(error) {
      const begun = begin();
      const broken = events.write("error", errorMembers(error));
      const failed = response({ status: "failed", error: failureOf(error) });
      return begun + broken + events.write("response.failed", { response: failed });
    },
  };
}

/** Finish reasons of answers that are not whole. */
const CUT_SHORT: Readonly<Record<string, ResponseState["incomplete"]>> = {
  length: "max_output_tokens",
  content_filter: "content_filter",
};

/** Finish reasons of answers that their engines did not end. */
const GIVEN_UP: ReadonlySet<string> = new Set(["abort", "error"]);

/** In the order in which models say it. Some engines tell their reasoning under both names. */
function told(output: Output, said: Said, logprobs: readonly object[]): string {
  const texts =
    output.text("reasoning", said.reasoning_content || said.reasoning || "") +
    output.text("text", said.content ?? "", logprobs) +
    output.text("refusal", said.refusal ?? "");
  const calls = (said.tool_calls ?? []).map(({ index, id, function: called }, place) =>
    output.call(index ?? place, {
      id: id ?? undefined,
      name: called?.name ?? undefined,
      fragment: called?.arguments ?? "",
    }),
  );
  return texts + calls.join("");
}

/** Flat as OpenAI documents it, and nested as its own service sends it: clients read either. */
function errorMembers({ type, code, message, param }: ApiError): object {
  return { code, message, param, error: { type, code, message, param } };
}

/** Of a failed response: the caller's mistakes by their code, all others as OpenAI lumps them. */
function failureOf({ code, status, message }: ApiError): { code: string; message: string } {
  return { code: status >= 500 ? "server_error" : code, message };
}
