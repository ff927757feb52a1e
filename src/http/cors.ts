import { cors as honoCors } from "hono/cors";

const EXPOSED = [
  "x-request-id",
  "request-id",
  "phaseway-session",
  "phaseway-receipt",
  "phaseway-route",
  "phaseway-labels",
  "phaseway-cache",
  "server-timing",
  "idempotent-replayed",
  "retry-after",
  "retry-after-ms",
  "allow",
];

/** Browsers may call the mesh from anywhere, with any header: keys are sent by header, never by cookie. */
export const cors = honoCors({
  origin: "*",
  allowMethods: ["GET", "HEAD", "POST", "DELETE", "OPTIONS"],
  exposeHeaders: EXPOSED,
  maxAge: 86_400,
});
