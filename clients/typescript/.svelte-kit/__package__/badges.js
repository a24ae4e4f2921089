/** The badges of these models, in this order; of all where none are named. */
export async function badgesOf(models, names, signal) {
    const status = await models.status({ signal });
    const known = new Map(status.models.map((model) => [model.name, model]));
    return (names ?? [...known.keys()]).flatMap((name) => {
        const model = known.get(name);
        return model === undefined ? [] : [{ ...told(model), name, summary: model.summary }];
    });
}
/** What changes of a badge as its download goes on. */
export function told(download) {
    const { state, progress, problem } = download;
    return { state, progress, problem: problem === null ? null : [problem.message, problem.cure ?? ""].join(" ").trim() };
}
