#!/usr/bin/env bash
# Upgrade the agents of a clean checkout on a branch of its own, for a pull request. Run it beside agentpack.yaml.
#
#   AGENTPACK_TASK    upgrade: newer releases in range, on a branch of their own (the default);
#                     sync: lock and agent files follow a manifest that Renovate changed, on the branch of the checkout
#   AGENTPACK_BRANCH  the branch of an upgrade, made anew each time (agentpack/upgrade)
#   AGENTPACK_REMOTE  where to push it; empty: nowhere (origin)
#   AGENTPACK_BODY    the file for the text of the pull request
#   GH_TOKEN          set: open or update the pull request of an upgrade with gh
#
# Exit code 0: nothing to do, or done; 3: a decision is needed, and nothing was changed or pushed; else agentpack's.
set -euo pipefail
task=${AGENTPACK_TASK:-upgrade}
branch=${AGENTPACK_BRANCH:-agentpack/upgrade}
remote=${AGENTPACK_REMOTE-origin}
body=${AGENTPACK_BODY:-$(mktemp)}
changes=$(mktemp)
words=$(mktemp)

end() {
  [ -z "${GITHUB_OUTPUT:-}" ] || printf 'outcome=%s\nbranch=%s\n' "$1" "$branch" >>"$GITHUB_OUTPUT"
  [ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$body" >>"$GITHUB_STEP_SUMMARY"
}

current() {
  echo "$1" | tee "$body"
  end current
  exit 0
}

said() {
  head -n 15 "$words" | cut -c 1-300 | sed 's/^/    /' # indented: no text can end the block
}

# Runs agentpack. If it fails, the text says why, and the script ends.
change() {
  local code=0
  agentpack "$@" >"$words" 2>&1 || code=$?
  cat "$words"
  [ "$code" != 0 ] || return 0
  {
    if [ "$code" = 3 ]; then
      printf '**The %s needs a decision; nothing was changed.**\n\n' "$task"
    else
      printf '**The %s failed with exit code %s.**\n\n' "$task" "$code"
    fi
    said
    printf '\n'
    cat "$changes"
  } >"$body"
  end stopped
  exit "$code"
}

if [ -n "$(git status --porcelain)" ]; then
  echo "error: the checkout has changes that are not committed" >&2
  exit 2
fi

if [ "$task" = sync ]; then
  branch=$(git branch --show-current)
  if [ -z "$branch" ]; then
    echo "error: the checkout is of no branch to push to" >&2
    exit 2
  fi
  change sync
  [ -n "$(git status --porcelain)" ] || current "Lock and agent files are what the manifest asks for."
  {
    printf "Lock and agent files now follow the manifest, by \`agentpack sync\`. Edits of agent files are kept.\n\n"
    said
  } >"$body"
  git add --all
  git commit --quiet --message "Update the lock and the agents"
  [ -z "$remote" ] || git push --quiet "$remote" "HEAD:refs/heads/$branch"
  end upgraded
  exit 0
fi

code=0
agentpack diff --upgrade --format markdown >"$changes" || code=$?
[ "$code" != 0 ] || current "No newer release of an agent is in range."
[ "$code" = 1 ] || exit "$code"

change upgrade --yes --quiet
{
  printf "Newest releases in range, from \`agentpack upgrade\`. Edits of agent files are kept.\n\n"
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
