// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/golden/transcript.hpp"
#include "tests/support/scratch_folder.hpp"

namespace vmstate::test {

/// Runs the commands of one transcript, one after the other, in the current folder. $OUT is a folder that is empty at first;
/// where its name is printed it is $OUT again.
class Commands {
 public:
  enum class How {
    in_process,  ///< `vmstate-dump …` and `vmstate-upgrade …` in this process, and `cmp A B`; one $OUT for all
    in_shell     ///< anything the shell runs, the programs of this build first in its path; each has its own $OUT
  };
  explicit Commands(How how) : how_(how) {}

  Outcome run(const std::string& command) const;

 private:
  How how_;
  ScratchFolder out_;
};

}  // namespace vmstate::test
