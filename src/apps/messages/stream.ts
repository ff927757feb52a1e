import type { AnswerRenderer } from "../app-api.ts";
import { BlockEvents } from "./block-events.ts";
import { errorBody } from "./errors.ts";
import { eventOf } from "./events.ts";
import { detailsOf, messageOf } from "./message.ts";
import type { Asked } from "./renderer.ts";
import { type Choice, onlyChoice, readCompletion } from "../completion.ts";
import { piecesOf } from "./pieces.ts";
import { stopOf } from "./stop.ts";
import { estimatedUsage, messageUsage, type MessageUsage } from "./usage.ts";
import { callId } from "./whole.ts";

/** A stream of chat chunks as the events of a message. Usage and reason come with the end, as chat chunks tell them last. */
export function createMessageStream(asked: Asked): Omit<AnswerRenderer, "whole"> {
  const blocks = new BlockEvents((place) => callId(asked, place));
  let isStarted = false;
  let ended: Choice = {};
  let usage: MessageUsage | undefined;
  let pieces = 0;
  let unshown = 0;

  function start(model: string): string {
    if (isStarted) return "";
    isStarted = true;
    const said = { ...asked, model };
    const message = messageOf(said, [], undefined, estimatedUsage(asked.promptTokens));
    return eventOf("message_start", { message });
  }

  function frame(data: string): string {
    const chunk = readCompletion(data);
    usage = messageUsage(chunk.usage) ?? usage;
    const begin = start(chunk.model ?? asked.model);
    const choice = onlyChoice(chunk);
    if (choice === undefined) return begin;
    if (choice.finish_reason) ended = choice;
    const own = piecesOf(choice.delta ?? {}, asked.thinks);
    pieces += own.length;
    return lively(begin + own.map((piece) => blocks.add(piece)).join(""));
  }

  /** The same, or now and then a ping where chunks say nothing that is shown, such as thinking that nobody wants. */
  function lively(events: string): string {
    unshown = events === "" ? unshown + 1 : 0;
    return events === "" && unshown % CHUNKS_A_PING === 0 ? eventOf("ping") : events;
  }

  function end(): string {
    const begin = start(asked.model) + blocks.end();
    const stop = stopOf(ended, asked.stopSequences, blocks.hasCalled);
    const delta = { ...stop, stop_details: detailsOf(stop), container: null };
    // Engines that count nothing send a token a chunk.
    const counted = usage ?? estimatedUsage(asked.promptTokens, pieces);
    return begin + eventOf("message_delta", { delta, usage: counted }) + eventOf("message_stop");
  }

  return {
    frame,
    keepAlive: () => eventOf("ping"),
    end,
    error: (error) => eventOf("error", errorBody(error, asked.requestId)),
  };
}

/** A few seconds of decoding. */
const CHUNKS_A_PING = 100;
