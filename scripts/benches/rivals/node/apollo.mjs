import { ApolloServer } from "@apollo/server";
import { expressMiddleware } from "@as-integrations/express5";
import express from "express";
import { serve } from "./serve.mjs";
import { load, resolvers, typeDefs } from "./stations.mjs";

await serve(async (port) => {
  await load(process.env.STATIONS);
  const server = new ApolloServer({ typeDefs, resolvers, csrfPrevention: false });
  await server.start();
  const app = express();
  app.use("/graphql", express.json(), expressMiddleware(server));
  app.listen(port, "127.0.0.1");
});
