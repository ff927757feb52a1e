import type { ChatRequest } from "../core/chat-request.ts";
import type { StoredItems, StoredResponse } from "../core/stored-response.ts";
import type { ApiError, ErrorShape } from "./errors.ts";

/** One API that apps speak, as a parser and a renderer over what is internal: a chat request and the frames that answer it. */
export type AppApi = {
  readonly name: string;
  /** Where its requests are posted; everything below belongs to it. */
  readonly path: string;
  readonly errors: ErrorShape;
  /** The member that holds the prompt, as errors name it; `messages` unless told. */
  readonly promptParam?: string;
  /** Reads a request at the border; members that cannot be served are refused by name. */
  parse(body: Uint8Array): ParsedRequest;
};

export type ParsedRequest =
  | {
      readonly ok: true;
      /** What engines are sent; the caller's own bytes where engines speak its API. */
      readonly request: ChatRequest;
      /** Absent where engines speak the caller's API: their bytes go back as they are. */
      readonly answer?: (facts: AnswerFacts) => AnswerRenderer;
      /** The caller wants to come back to the answer by its id. */
      readonly stores?: boolean;
      /** The id of an item that the caller sent back: it belongs to the session that gave it. */
      readonly follows?: string;
      /** It goes on from stored responses, which `request` lacks. */
      readonly recalls?: Recalls;
    }
  | { readonly ok: false; readonly error: ApiError };

/** Stored responses that a request names by ids. */
export type Recalls = {
  /** The response it goes on from, with all that this went on from. */
  readonly previous?: string;
  /** The conversation it goes on with instead; its answer is added there. */
  readonly conversation?: string;
  /** Items of responses. */
  readonly items: readonly string[];
  /** The request with what was found of them. */
  with(recalled: Recalled): ParsedRequest;
};

export type Recalled = {
  /** Oldest first. */
  readonly chain: readonly StoredItems[];
  /** By the id of an item: its response, and its place there. */
  readonly items: ReadonlyMap<string, { readonly stored: StoredItems; readonly index: number }>;
};

/** What is known when an answer begins. */
export type AnswerFacts = {
  readonly requestId: string;
  /** The mesh's own estimate, made before any engine has counted. */
  readonly promptTokens: number;
  /** When the request came, epoch ms. */
  readonly startedAt: number;
  /** Epoch ms. */
  readonly now: () => number;
  /** Where the answer is to be stored. */
  readonly stored?: {
    readonly id: string;
    /** Resolves once it is durable; false when it could not be stored. */
    keep(stored: StoredResponse): Promise<boolean>;
  };
};

/** One answer in the caller's API. Of a stream every method gives the events to send now, with their blank lines; or none. */
export type AnswerRenderer = {
  /** A whole chat completion as the caller's API has it. Throws `SyntaxError` for what it cannot say. */
  whole(completion: string): string | Promise<string>;
  /** The data of one chat chunk. Throws `SyntaxError` for what is none. */
  frame(data: string): string;
  /** The engine has been silent for a while. */
  keepAlive(): string;
  /** The answer is complete. */
  end(): string | Promise<string>;
  /** The answer has broken off; nothing follows. */
  error(error: ApiError): string;
};
