import type { Piece } from "./pieces.ts";

/** Tells the tool calls of an answer apart. Some engines put all of them in one place, and part them by their ids alone. */
export class CallPlaces {
  /** By the engine's place: ours, and the id of the call that has it now. */
  readonly #calls = new Map<number, { readonly place: number; id: string | undefined }>();
  #count = 0;

  /** The piece at the place of its own call. */
  place(piece: Piece): Piece {
    const { lane, id } = piece;
    if (typeof lane !== "number") return piece;
    let call = this.#calls.get(lane);
    if (call === undefined || (id !== undefined && call.id !== undefined && call.id !== id)) {
      call = { place: this.#count, id };
      this.#count += 1;
      this.#calls.set(lane, call);
    }
    call.id ??= id;
    return { ...piece, lane: call.place };
  }
}
