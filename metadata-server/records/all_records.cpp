#include "records/all_records.hpp"

#include <iterator>

namespace muster {

Result<std::vector<Record>> all_records(const Store& store, std::string_view kind,
                                        std::string_view prefix) {
  constexpr std::size_t page_size = 1000;
  std::vector<Record> all;
  for (;;) {
    auto page =
        store.list(kind, prefix, all.empty() ? std::string_view() : all.back().key, page_size);
    if (!page) return while_doing(page.error(), fmt::format("listing {}", kind));
    const bool last = page->size() < page_size;
    all.insert(all.end(), std::make_move_iterator(page->begin()),
               std::make_move_iterator(page->end()));
    if (last) return all;
  }
}

}  // namespace muster
