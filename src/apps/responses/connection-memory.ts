/**
 * What one connection remembers: its last response, so that a request that is not stored can be gone on from while the
 * connection lasts. Takes `response.create` messages and gives the bodies that say the same over HTTP.
 */
export function createConnectionMemory(): ConnectionMemory {
  let last: Remembered | undefined;
  return {
    begin(message) {
      const asked = read(message);
      if (asked === undefined) return undefined;
      const { type: _type, ...request } = asked;
      const named = request["previous_response_id"];
      const known = last !== undefined && last.id === named ? last : undefined;
      const input = [...(known?.items ?? []), ...itemsOf(request["input"])];
      const body = {
        ...request,
        ...(known && { input, previous_response_id: known.previous ?? null }),
        stream: true,
      };
      return {
        body: JSON.stringify(body),
        failed() {
          if (known !== undefined) last = undefined;
        },
        event(data) {
          const response = responseIn(data);
          if (response === undefined) return data;
          if (response.status === "failed" && known !== undefined) last = undefined;
          if (ENDS.has(response.status)) {
            last = {
              id: response.id,
              items: [...input, ...response.output],
              previous: body["previous_response_id"],
            };
          }
          if (known === undefined) return data;
          const event = JSON.parse(data) as { readonly response: object };
          return JSON.stringify({
            ...event,
            response: { ...event.response, previous_response_id: named },
          });
        },
      };
    },
  };
}

export type ConnectionMemory = {
  /** Undefined for what is no `response.create`. */
  begin(message: string): ConnectionTurn | undefined;
};

export type ConnectionTurn = {
  /** Of the request over HTTP. */
  readonly body: string;
  /** There is no response: what it was to go on from is forgotten. */
  failed(): void;
  /** An event of its stream as the connection has it. */
  event(data: string): string;
};

type Remembered = {
  readonly id: string;
  /** All it was asked and answered, since the stored response that it goes on from. */
  readonly items: readonly unknown[];
  readonly previous: unknown;
};

/** Statuses of responses that can be gone on from. */
const ENDS: ReadonlySet<string> = new Set(["completed", "incomplete"]);

function read(message: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(message);
    return isRecord(value) && value["type"] === "response.create" ? value : undefined;
  } catch {
    return undefined;
  }
}

function itemsOf(input: unknown): readonly unknown[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  return Array.isArray(input) ? input : [];
}

function responseIn(data: string): Told | undefined {
  // Deltas are by far the most.
  if (!data.includes('"response":{')) return undefined;
  const { response } = JSON.parse(data) as { readonly response?: Told };
  return response;
}

type Told = { readonly id: string; readonly status: string; readonly output: readonly unknown[] };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
