import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { serve } from "./serve.mjs";

await serve(async (port) => {
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset],
    pgServices: [makePgService({ connectionString: process.env.DATABASE, schemas: ["map"] })],
    grafserv: { graphqlPath: "/graphql", watch: false },
    grafast: { explain: false },
  });
  const serving = instance.createServ(grafserv);
  const server = createServer();
  await serving.addTo(server);
  server.listen(port, "127.0.0.1");
});
