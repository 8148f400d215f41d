#!/usr/bin/env bash
# Upgrade the agents of a clean checkout on a branch of its own, for a pull request. Run it beside agentpack.yaml.
#
#   AGENTPACK_BRANCH  the branch, made anew each time (agentpack/upgrade)
#   AGENTPACK_REMOTE  where to push it; empty: nowhere (origin)
#   AGENTPACK_BODY    the file for the text of the pull request
#   GH_TOKEN          set: open or update the pull request with gh
#
# Exit code 0: nothing newer, or upgraded; 3: a decision is needed, and nothing was changed or pushed; else agentpack's.
set -euo pipefail
branch=${AGENTPACK_BRANCH:-agentpack/upgrade}
remote=${AGENTPACK_REMOTE-origin}
body=${AGENTPACK_BODY:-$(mktemp)}
changes=$(mktemp)
words=$(mktemp)

end() {
  [ -z "${GITHUB_OUTPUT:-}" ] || printf 'outcome=%s\nbranch=%s\n' "$1" "$branch" >>"$GITHUB_OUTPUT"
  [ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$body" >>"$GITHUB_STEP_SUMMARY"
}

if [ -n "$(git status --porcelain)" ]; then
  echo "error: the checkout has changes that are not committed" >&2
  exit 2
fi

code=0
agentpack diff --upgrade --format markdown >"$changes" || code=$?
if [ "$code" = 0 ]; then
  echo "No newer release of an agent is in range." | tee "$body"
  end current
  exit 0
fi
[ "$code" = 1 ] || exit "$code"

code=0
agentpack upgrade --yes --quiet >"$words" 2>&1 || code=$?
cat "$words"
if [ "$code" != 0 ]; then
  {
    printf '**The upgrade needs a decision; nothing was changed.**\n\n'
    head -n 15 "$words" | cut -c 1-300 | sed 's/^/    /' # indented: no text can end the block
    printf '\n'
    cat "$changes"
  } >"$body"
  end stopped
  exit "$code"
fi

{
  printf 'Newest releases in range, from `agentpack upgrade`. Edits of agent files are kept.\n\n'
  cat "$changes"
} >"$body"
git switch --quiet --force-create "$branch"
git add --all
git commit --quiet --message "Upgrade agents"
[ -z "$remote" ] || git push --quiet --force "$remote" "HEAD:refs/heads/$branch"
if [ -n "${GH_TOKEN:-}" ]; then
  # a fork may have a branch of this name
  number=$(gh pr list --head "$branch" --state open --limit 1000 --json number,isCrossRepository \
    --jq '[.[] | select(.isCrossRepository | not)][0].number // empty')
  if [ -n "$number" ]; then
    gh pr edit "$number" --body-file "$body"
  else
    gh pr create --head "$branch" --title "Upgrade agents" --body-file "$body"
  fi
fi
end upgraded
