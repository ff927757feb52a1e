import { createRegionApp, type RegionWorkerEnv } from "./app.ts";

export { Region } from "../edge/region.ts";

const region = createRegionApp();

export default {
  fetch: (request, env, context) => region.fetch(request, env, context),
} satisfies ExportedHandler<RegionWorkerEnv>;
