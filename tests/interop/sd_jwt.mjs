// @sd-jwt/sd-jwt-vc as issuer and holder, and as verifier.

import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify, X509Certificate } from "node:crypto";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { answer, toBase64url } from "./job.mjs";

const hasher = (data, name) =>
  new Uint8Array(createHash(name.replace("-", "")).update(typeof data === "string" ? data : Buffer.from(data)).digest());
const saltGenerator = (length) => toBase64url(randomBytes(length));

const signerOf = (pem) => {
  const key = createPrivateKey(pem);
  return (data) => toBase64url(sign("sha256", Buffer.from(data), { key, dsaEncoding: "ieee-p1363" }));
};
const verifierOf = (key) => (data, signature) =>
  verify("sha256", Buffer.from(data), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));

await answer({
  async present(job) {
    const instance = new SDJwtVcInstance({
      signer: signerOf(job.issuer_key), signAlg: "ES256", hasher, hashAlg: "sha-256", saltGenerator,
      kbSigner: signerOf(job.holder_key), kbSignAlg: "ES256",
    });
    const credential = await instance.issue(job.payload, job.frame, { header: { x5c: job.x5c } });
    const presentation = await instance.present(credential, job.show, {
      kb: { payload: { iat: job.now, aud: job.audience, nonce: job.nonce } },
    });
    return { presentation };
  },

  async verify(job) {
    const [jwt] = job.presentation.split("~");
    const header = JSON.parse(Buffer.from(jwt.split(".")[0], "base64url"));
    const certificate = new X509Certificate(Buffer.from(header.x5c[0], "base64"));
    const root = new X509Certificate(job.root);
    if (!certificate.verify(root.publicKey)) throw new Error("the issuer is not trusted");
    const instance = new SDJwtVcInstance({
      verifier: verifierOf(certificate.publicKey), hasher, hashAlg: "sha-256",
      kbVerifier: (data, signature, payload) =>
        verifierOf(createPublicKey({ key: payload.cnf.jwk, format: "jwk" }))(data, signature),
    });
    const found = await instance.verify(job.presentation, {
      keyBindingNonce: job.nonce, currentDate: job.now,
    });
    if (found.kb.payload.aud !== job.audience) throw new Error("addressed to somebody else");
    return { claims: found.payload };
  },
});
