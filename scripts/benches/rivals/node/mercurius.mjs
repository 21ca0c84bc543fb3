import fastify from "fastify";
import mercurius from "mercurius";
import { serve } from "./serve.mjs";
import { load, resolvers, typeDefs } from "./stations.mjs";

await serve(async (port) => {
  await load(process.env.STATIONS);
  const app = fastify();
  app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
  await app.listen({ port, host: "127.0.0.1" });
});
