import { sglangLoads, sglangMetrics } from "../../metrics/sglang.ts";
import { RESTARTED } from "../../run.ts";
import { engineMetAt } from "../bootstrap.ts";
import type { EmulatedDialect } from "../dialect.ts";
import { DecodeSide } from "./decode-side.ts";
import { noRoom, sglangRefusal } from "./errors.ts";
import { readMeetings } from "./meeting.ts";
import { isForDecode, readRoomMessage } from "./messages.ts";
import { PrefillSide } from "./prefill-side.ts";
import { unifiedServer } from "./unified.ts";

/** SGLang: both engines of a split get the same body and meet in a room that it names. */
export const sglang: EmulatedDialect = (side) => {
  const { name, pool } = side.config;
  const prefill = new PrefillSide(side);
  const decode = new DecodeSide(side);
  const unified = unifiedServer(side);
  return {
    take(request) {
      const read = readMeetings(request.text, request.ask.choices.length);
      if (!read.ok) return sglangRefusal(read.problem);
      const [role, otherRole] = pool.roles;
      const [first] = read.meetings ?? [];
      if (!read.meetings || !first) {
        return otherRole ? unified(request) : sglangRefusal(noRoom(crypto.randomUUID()));
      }
      const isHost = engineMetAt(first.host, first.port, side.config) === name;
      const part = (otherRole ? isHost : role === "prefill") ? prefill : decode;
      if (read.meetings.some(({ room }) => part.isTaken(room))) {
        // Its scheduler does not survive a room that is in use.
        side.crash();
        return sglangRefusal(RESTARTED);
      }
      return part.take(request, read.meetings);
    },
    meet(message, from) {
      const known = readRoomMessage(message);
      if (!known) return undefined;
      return isForDecode(known) ? decode.meet(known, from) : prefill.meet(known, from);
    },
    routes: {
      "GET /metrics": () => sglangMetrics(side),
      "GET /v1/loads": () => sglangLoads(side),
    },
    refuse: sglangRefusal,
  };
};
