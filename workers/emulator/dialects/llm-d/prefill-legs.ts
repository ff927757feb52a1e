import type { EngineSide } from "../dialect.ts";
import type { Answered, ToPrefill } from "./messages.ts";

/** Completions that sidecars have a prefill engine run, each of which may be left. */
export class PrefillLegs {
  readonly #side: EngineSide;
  readonly #open = new Map<string, AbortController>();

  constructor(side: EngineSide) {
    this.#side = side;
  }

  async meet(message: ToPrefill): Promise<Answered | undefined> {
    const { id } = message;
    if (message.kind === "leave") {
      this.#open.get(id)?.abort();
      return undefined;
    }
    const connection = new AbortController();
    this.#open.set(id, connection);
    try {
      const { api, body, requestId } = message;
      const headers = requestId === null ? {} : { "x-request-id": requestId };
      const { signal } = connection;
      const request = new Request("http://prefill", { method: "POST", body, headers, signal });
      const response = await this.#side.complete(api, request);
      const contentType = response.headers.get("content-type") ?? "application/json";
      return { status: response.status, contentType, body: await response.text() };
    } finally {
      this.#open.delete(id);
    }
  }
}
